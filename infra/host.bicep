// The Functions app on Flex Consumption, and the storage that its host, its task hub and its package live in. No key and no connection string: identities.
param name string
param location string
param tags object
param identityName string
param insightsName string
param isPrivate bool
param storageRedundancy string
param subnetId string
param settings object
param publicUrl string
param schedulerEndpoint string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = { name: identityName }
resource insights 'Microsoft.Insights/components@2020-02-02' existing = { name: insightsName }

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: replace(name, '-', '')
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: storageRedundancy }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: isPrivate ? 'Deny' : 'Allow', bypass: 'None' }
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource packages 'containers' = {
      name: 'packages'
    }
  }
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // azd finds the app of the service `curfew` in azure.yaml by this.
  tags: union(tags, { 'azd-service-name': 'curfew' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    ...(isPrivate ? { virtualNetworkSubnetId: subnetId } : {})
    siteConfig: { minTlsVersion: '1.2' }
    functionAppConfig: {
      runtime: { name: 'node', version: '24' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${storage::blobs::packages.name}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      scaleAndConcurrency: {
        // Grants of up to three minutes are armed by the process that recorded them, which must not be taken away as idle: one always stays.
        // The timer that arms all others keeps its own process by an open invocation.
        alwaysReady: [{ name: 'durable', instanceCount: 1 }]
        instanceMemoryMB: 2048
        // Four partitions give four instances work at once, and pages need few. A caller’s limit holds on each.
        maximumInstanceCount: 40
      }
    }
  }

  // A package is deployed with an identity; nobody needs the publishing passwords.
  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  // A resource of its own, since it needs the name under which the app is reached.
  resource appSettings 'config' = {
    name: 'appsettings'
    properties: {
      ...settings
      CURFEW_PUBLIC_URL: empty(publicUrl) ? 'https://${app.properties.defaultHostName}' : publicUrl
      AZURE_CLIENT_ID: identity.properties.clientId
      // The host’s own page at the root says what runs here, in 150 KB, to everybody.
      AzureWebJobsDisableHomepage: 'true'
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
      AzureWebJobsStorage__queueServiceUri: storage.properties.primaryEndpoints.queue
      AzureWebJobsStorage__tableServiceUri: storage.properties.primaryEndpoints.table
      // An address: what may be sent there is decided by the identity below, since keys are off.
      APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      ...(empty(schedulerEndpoint)
        ? {}
        : {
            DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identity.properties.clientId}'
          })
    }
  }
}

output appName string = app.name
output publicUrl string = empty(publicUrl) ? 'https://${app.properties.defaultHostName}' : publicUrl
output storageId string = storage.id
output storageName string = storage.name
