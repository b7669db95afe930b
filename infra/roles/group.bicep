// Who may do what in Curfew's resource group. With subscription.bicep beside it, which is only for the scope that a Bicep file has one of, these
// are all rights in Azure that anything here has; what Curfew may in a database is in infra/targets.
param service string
param deploy string
param preview string
param storageName string
param accountName string
param databaseName string
param insightsName string
param mailName string?
param vaultName string?
param schedulerName string?

var contributor = 'b24988ac-6180-42a0-ab88-20f7382dd24c'
var reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
var accessAdministrator = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168'
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
var emailServiceOwner = '09976791-48a7-449e-bb21-39d1a415f350'
var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = { name: storageName }
resource insights 'Microsoft.Insights/components@2020-02-02' existing = { name: insightsName }
resource communication 'Microsoft.Communication/communicationServices@2025-09-01' existing = { name: mailName ?? 'none' }
resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = { name: vaultName ?? 'none' }
resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' existing = { name: schedulerName ?? 'none' }
resource account 'Microsoft.DocumentDB/databaseAccounts@2025-04-15' existing = { name: accountName }

// The three that the Functions host and the task hub need; the account holds nothing else.
resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in [blobDataOwner, queueDataContributor, tableDataContributor]: {
    name: guid(storage.id, service, role)
    scope: storage
    properties: {
      principalId: service
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

// To send telemetry, and to read none.
resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, service, metricsPublisher)
  scope: insights
  properties: {
    principalId: service
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

// The least of the built-in roles that sends mail.
resource onMail 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (mailName != null) {
  name: guid(communication.id, service, emailServiceOwner)
  scope: communication
  properties: {
    principalId: service
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', emailServiceOwner)
  }
}

resource onVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (vaultName != null) {
  name: guid(vault.id, service, secretsUser)
  scope: vault
  properties: {
    principalId: service
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}

resource onScheduler 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (schedulerName != null) {
  name: guid(scheduler.id, service, durableTaskDataContributor)
  scope: scheduler
  properties: {
    principalId: service
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataContributor)
  }
}

// In the store each container has a role of its own, with what the code does there and nothing more: nobody can replace or delete an event.
// The laptop's stand-in refuses by the same file.
var containers = loadJsonContent('../containers.json')
var items = 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers'
// What a query needs stands beside the items (Cosmos DB’s reference of data plane actions): the change feed too, which only reads.
var beside = { query: 'executeQuery', readChangeFeed: 'readChangeFeed' }

@batchSize(1) // The account takes one change of its roles at a time.
resource containerRole 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions@2025-04-15' = [
  for each in containers: {
    parent: account
    name: guid(account.id, each.id)
    properties: {
      roleName: 'Curfew in ${each.id}'
      type: 'CustomRole'
      assignableScopes: [account.id]
      permissions: [
        { dataActions: map(each.may, right => '${items}/${beside[?right] ?? 'items/${right}'}') }
      ]
    }
  }
]

@batchSize(1)
resource inContainer 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-04-15' = [
  for (each, index) in containers: {
    parent: account
    name: guid(account.id, each.id, service)
    properties: {
      principalId: service
      roleDefinitionId: containerRole[index].id
      scope: '${account.id}/dbs/${databaseName}/colls/${each.id}'
    }
  }
]

// What every SDK asks before it asks anything else: where the account is, and how a container is partitioned.
resource metadataRole 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions@2025-04-15' = {
  parent: account
  name: guid(account.id, 'metadata')
  properties: {
    roleName: 'Curfew finds its containers'
    type: 'CustomRole'
    assignableScopes: [account.id]
    permissions: [{ dataActions: ['Microsoft.DocumentDB/databaseAccounts/readMetadata'] }]
  }
  dependsOn: [inContainer]
}

resource metadata 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-04-15' = {
  parent: account
  name: guid(account.id, 'metadata', service)
  properties: { principalId: service, roleDefinitionId: metadataRole.id, scope: account.id }
}

// The workflow that deploys. It makes everything in this group, and what it may give is fenced: the data roles above, to the service. It can't
// widen its own rights: those below are given by whoever runs `azd up`.
var givable = join(
  [blobDataOwner, queueDataContributor, tableDataContributor, metricsPublisher, emailServiceOwner, secretsUser, durableTaskDataContributor],
  ', '
)
var fence = join(
  map(
    [{ action: 'write', of: '@Request' }, { action: 'delete', of: '@Resource' }],
    each => '((!(ActionMatches{\'Microsoft.Authorization/roleAssignments/${each.action}\'})) OR (${each.of}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${givable}} AND ${each.of}[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {${service}}))'
  ),
  ' AND '
)

resource deployContributes 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deploy)) {
  name: guid(resourceGroup().id, deploy, contributor)
  properties: {
    principalId: deploy
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributor)
  }
}

resource deployGives 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deploy)) {
  name: guid(resourceGroup().id, deploy, accessAdministrator)
  properties: {
    principalId: deploy
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', accessAdministrator)
    conditionVersion: '2.0'
    condition: fence
  }
}

// A pull request may see what it would change.
resource previewReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(preview)) {
  name: guid(resourceGroup().id, preview, reader)
  properties: {
    principalId: preview
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', reader)
  }
}
