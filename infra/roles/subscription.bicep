// Who may do what on a subscription: that of the targets, and for the workflows that of Curfew.
targetScope = 'subscription'

param name string
@description('Who tells deleted databases from those that are down.')
param targetReader string = ''
param deploy string = ''
param preview string = ''

// Role names are unique in a tenant.
var of = '${name}, ${uniqueString(subscription().id)}'

// docs/decisions/0012-deleted-targets.md: on the subscription, since rights on a resource group go with the group.
resource targetReaderRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(targetReader)) {
  name: guid(subscription().id, name, 'target reader')
  properties: {
    roleName: 'Curfew target reader (${of})'
    description: 'Sees whether a database and its server are still there. Reads none of their data.'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [
      {
        actions: [
          'Microsoft.Sql/servers/read'
          'Microsoft.Sql/servers/databases/read'
          'Microsoft.Sql/checkNameAvailability/action'
        ]
      }
    ]
  }
}

resource readsTargets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(targetReader)) {
  name: guid(subscription().id, targetReader, 'target reader')
  properties: {
    principalId: targetReader
    principalType: 'ServicePrincipal'
    roleDefinitionId: targetReaderRole.id
  }
}

// Built-in roles that may deploy to a subscription may do much else there. These two let templates be tried and begun; what is in them needs rights of its own.
var plans = [
  'Microsoft.Resources/deployments/read'
  'Microsoft.Resources/deployments/operations/read'
  'Microsoft.Resources/deployments/operationstatuses/read'
  'Microsoft.Resources/deployments/validate/action'
  'Microsoft.Resources/deployments/whatIf/action'
  'Microsoft.Resources/subscriptions/resourceGroups/read'
]

resource previewRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(preview)) {
  name: guid(subscription().id, name, 'preview')
  properties: {
    roleName: 'Curfew preview (${of})'
    description: 'Asks what a deployment would change.'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [{ actions: plans }]
  }
}

resource previews 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(preview)) {
  name: guid(subscription().id, preview, 'preview')
  properties: { principalId: preview, principalType: 'ServicePrincipal', roleDefinitionId: previewRole.id }
}

resource deployRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(deploy)) {
  name: guid(subscription().id, name, 'deploy')
  properties: {
    roleName: 'Curfew deployment (${of})'
    description: 'Begins a deployment.'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [{ actions: union(plans, ['Microsoft.Resources/deployments/write']) }]
  }
}

resource deploys 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deploy)) {
  name: guid(subscription().id, deploy, 'deploy')
  properties: { principalId: deploy, principalType: 'ServicePrincipal', roleDefinitionId: deployRole.id }
}
