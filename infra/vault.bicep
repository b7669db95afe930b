// Only for what can't be an identity: a mail server that wants a password, the key that signs events, the address of a channel. Without any of
// them there is no secret, and no vault.
param location string
param tags object
param tenantId string
@secure()
param smtpUrl string
@secure()
param webhookSecret string
@secure()
param teamsUrl string

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: 'curfew-${uniqueString(resourceGroup().id)}'
  location: location
  tags: tags
  properties: {
    tenantId: tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enablePurgeProtection: true
  }

  resource smtp 'secrets' = if (!empty(smtpUrl)) {
    name: 'smtp-url'
    properties: { value: smtpUrl }
  }

  resource webhook 'secrets' = if (!empty(webhookSecret)) {
    name: 'webhook-secret'
    properties: { value: webhookSecret }
  }

  resource teams 'secrets' = if (!empty(teamsUrl)) {
    name: 'teams-url'
    properties: { value: teamsUrl }
  }
}

output name string = vault.name
// Where they are, not what they are.
output uri string = vault.properties.vaultUri
