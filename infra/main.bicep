// All of Curfew in one resource group. What azd asks: tenant, region, first target database, first approver.
targetScope = 'subscription'

@minLength(1)
@maxLength(32)
@description('The name of the environment; azd has it already.')
param environmentName string

@description('The region of everything. Flex Consumption is not in all of them: az functionapp list-flexconsumption-locations.')
@metadata({ azd: { type: 'location' } })
param location string

@minLength(36)
@maxLength(36)
@description('The id of the Entra ID tenant whose people may ask: that of the subscription.')
param tenantId string

@minLength(1)
@description('The first target database: /subscriptions/…/resourceGroups/…/providers/Microsoft.Sql/servers/…/databases/…')
param targetDatabaseId string

@minLength(3)
@description('The first approver: a user principal name. Alerts are mailed there too, until alertAddress says otherwise.')
param approver string

@description('The client id of the app registration, which app-registration.sh makes before this is deployed.')
param apiClientId string

@description('Who is told of alerts. The approver where it is left out.')
param alertAddress string = ''

@description('What becomes of the task hub when a zone fails: zone-redundant storage is not in every region.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS'])
param storageRedundancy string = 'Standard_ZRS'

@description('Where people reach Curfew, if that is not the app’s own name.')
param publicUrl string = ''

@description('Store and task hub behind private endpoints, and the app in a network. The pages stay public: approvers open them on their phones.')
param privateNetwork bool = false

@description('Durable Task Scheduler for the orchestrations. host.json has to be changed with it: docs/host.md.')
param durableTaskScheduler bool = false

@secure()
@description('A mail server of your own, smtps://user:password@host, in place of Communication Services. A secret, as webhookSecret and teamsUrl are: Key Vault keeps them.')
param smtpUrl string = ''

@description('Whom the mails of that server are from.')
param mailFrom string = ''

@description('Where every event is sent, signed with webhookSecret: docs/webhooks.md. Nowhere where both are left out.')
param webhookUrl string = ''

@secure()
@description('whsec_ and base64 of 24 to 64 random bytes; two with a space between while one is being changed.')
param webhookSecret string = ''

@secure()
@description('The address of a workflow that posts into a channel of Teams. None where it is left out.')
param teamsUrl string = ''

@description('Where Communication Services keeps what it keeps of mails.')
@allowed(['Africa', 'Asia Pacific', 'Australia', 'Brazil', 'Canada', 'Europe', 'France', 'Germany', 'India', 'Japan', 'Korea', 'Norway', 'Switzerland', 'UAE', 'UK', 'United States'])
param mailDataLocation string = 'Europe'

@description('owner/name of the GitHub repository whose workflows deploy; none where it is left out.')
param githubRepository string = ''

@description('False in the workflow: its identity may not give itself rights. Who has run this once with true has done that part.')
param byOwner bool = true

// An identity of one tenant gets no token of another.
var tenantOfAll = tenantId == tenant().tenantId ? tenantId : fail('The subscription is of another tenant than tenantId.')
var name = 'curfew-${uniqueString(subscription().id, environmentName)}'
var tags = { 'azd-env-name': environmentName }
var alerts = empty(alertAddress) ? approver : alertAddress
var hasSmtp = !empty(smtpUrl)
var hasWebhook = !empty(webhookSecret)
var hasTeams = !empty(teamsUrl)
var idParts = split(targetDatabaseId, '/')
var target = length(idParts) == 11 ? idParts : fail('targetDatabaseId is not the resource id of a database.')

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-curfew-${environmentName}'
  location: location
  tags: tags
}

module identities 'identities.bicep' = {
  scope: group
  params: { name: name, location: location, tags: tags, githubRepository: githubRepository }
}

module network 'network.bicep' = if (privateNetwork) {
  scope: group
  params: { name: name, location: location, tags: tags }
}

module store 'store.bicep' = {
  scope: group
  params: { name: name, location: location, tags: tags, isPrivate: privateNetwork }
}

module mail 'mail.bicep' = if (!hasSmtp) {
  scope: group
  params: { name: name, tags: tags, dataLocation: mailDataLocation }
}

module vault 'vault.bicep' = if (hasSmtp || hasWebhook || hasTeams) {
  scope: group
  params: {
    location: location
    tags: tags
    tenantId: tenantOfAll
    smtpUrl: smtpUrl
    webhookSecret: webhookSecret
    teamsUrl: teamsUrl
  }
}

// The app reads them there by its own identity.
var vaultUri = vault.?outputs.uri ?? ''

module scheduler 'scheduler.bicep' = if (durableTaskScheduler) {
  scope: group
  params: { name: name, location: location, tags: tags }
}

module monitoring 'monitoring.bicep' = {
  scope: group
  params: { name: name, location: location, tags: tags, alertAddress: alerts }
}

module host 'host.bicep' = {
  scope: group
  params: {
    name: name
    location: location
    tags: tags
    identityName: identities.outputs.service.name
    insightsName: monitoring.outputs.insightsName
    isPrivate: privateNetwork
    storageRedundancy: storageRedundancy
    subnetId: network.?outputs.appSubnetId ?? ''
    settings: {
      CURFEW_POLICY_FILE: '/home/site/wwwroot/policy.yaml'
      CURFEW_TOKEN_ISSUER: uri(environment().authentication.loginEndpoint, '${tenantOfAll}/v2.0')
      CURFEW_TOKEN_AUDIENCE: apiClientId
      CURFEW_TENANT_ID: tenantOfAll
      CURFEW_RESOURCE_MANAGER_URL: environment().resourceManager
      CURFEW_COSMOS_ENDPOINT: store.outputs.endpoint
      CURFEW_COSMOS_DATABASE: store.outputs.database
      CURFEW_MAIL_FROM: hasSmtp ? mailFrom : (mail.?outputs.sender ?? '')
      CURFEW_ALERT_ADDRESS: alerts
      CURFEW_WEBHOOK_URL: webhookUrl
      ...(hasSmtp
        ? { CURFEW_SMTP_URL: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/smtp-url)' }
        : { CURFEW_MAIL_ENDPOINT: mail.?outputs.endpoint ?? '' })
      ...(hasWebhook ? { CURFEW_WEBHOOK_SECRET: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/webhook-secret)' } : {})
      ...(hasTeams ? { CURFEW_TEAMS_URL: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/teams-url)' } : {})
    }
    publicUrl: publicUrl
    schedulerEndpoint: scheduler.?outputs.endpoint ?? ''
  }
}

module privateEndpoints 'private-endpoints.bicep' = if (privateNetwork) {
  scope: group
  params: {
    name: name
    location: location
    tags: tags
    networkId: network.?outputs.id ?? ''
    subnetId: network.?outputs.endpointSubnetId ?? ''
    storeId: store.outputs.accountId
    storageId: host.outputs.storageId
  }
}

module groupRoles 'roles/group.bicep' = {
  scope: group
  params: {
    service: identities.outputs.service.principalId
    deploy: byOwner ? identities.outputs.deploy.principalId : ''
    preview: byOwner ? identities.outputs.preview.principalId : ''
    storageName: host.outputs.storageName
    accountName: store.outputs.accountName
    databaseName: store.outputs.database
    insightsName: monitoring.outputs.insightsName
    mailName: mail.?outputs.name
    vaultName: vault.?outputs.name
    schedulerName: scheduler.?outputs.name
  }
}

module targetRoles 'roles/subscription.bicep' = if (byOwner) {
  name: 'curfew-target-roles'
  scope: subscription(target[2])
  params: { name: name, targetReader: identities.outputs.service.principalId }
}

module pipelineRoles 'roles/subscription.bicep' = if (byOwner && !empty(githubRepository)) {
  name: 'curfew-pipeline-roles'
  params: {
    name: name
    deploy: identities.outputs.deploy.principalId
    preview: identities.outputs.preview.principalId
  }
}

// azd keeps these for the scripts that azure.yaml runs afterwards. Names and ids; none is a secret.
output CURFEW_TENANT_ID string = tenantOfAll
output CURFEW_PUBLIC_URL string = host.outputs.publicUrl
output CURFEW_APP_NAME string = host.outputs.appName
output CURFEW_RESOURCE_GROUP string = group.name
output CURFEW_SERVICE_NAME string = identities.outputs.service.name
output CURFEW_SERVICE_CLIENT_ID string = identities.outputs.service.clientId
output CURFEW_SERVICE_PRINCIPAL_ID string = identities.outputs.service.principalId
output CURFEW_SQL_IDENTITY_NAME string = identities.outputs.sql.name
output CURFEW_SQL_CLIENT_ID string = identities.outputs.sql.clientId
output CURFEW_DEPLOY_CLIENT_ID string = identities.outputs.deploy.clientId
output CURFEW_PREVIEW_CLIENT_ID string = identities.outputs.preview.clientId
output CURFEW_TARGET_SERVER string = '${target[8]}${environment().suffixes.sqlServerHostname}'
output CURFEW_TARGET_DATABASE string = target[10]
output CURFEW_TARGET_DATABASE_ID string = targetDatabaseId
output CURFEW_APPROVER string = approver
