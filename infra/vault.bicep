// Only for a mail server that wants a password. Without one there is no secret, and no vault.
param location string
param tags object
param tenantId string
@secure()
param smtpUrl string

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

  resource smtp 'secrets' = {
    name: 'smtp-url'
    properties: { value: smtpUrl }
  }
}

output name string = vault.name
// Where it is, not what it is.
output smtpSecretUri string = vault::smtp.properties.secretUri
