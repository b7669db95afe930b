// The event store. Serverless: a request costs some dozens of calls, and then a look a minute at all that have not ended, while autoscale begins at
// 100 request units a second and is paid for by the hour, by its busiest second: docs/cost.md says from when on that would be less. One region is the
// limit of serverless, and enough: a second one would bring conflicts into chains that must have none. It can be made provisioned later, where bursts outgrow it.
param name string
param location string
param tags object
param isPrivate bool

// The laptop makes the same containers from the same file.
var containers = loadJsonContent('containers.json')

resource account 'Microsoft.DocumentDB/databaseAccounts@2025-04-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: [{ name: 'EnableServerless' }]
    locations: [{ locationName: location, failoverPriority: 0, isZoneRedundant: false }]
    // Another instance reads what this one has just written: holds, events and projections are decided upon. Reads cost two units, not one.
    consistencyPolicy: { defaultConsistencyLevel: 'Strong' }
    // No keys: who reads or writes is somebody of Entra ID.
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    // Any instant of the last 30 days, for whoever deletes what Curfew itself can't.
    backupPolicy: { type: 'Continuous', continuousModeProperties: { tier: 'Continuous30Days' } }
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2025-04-15' = {
  parent: account
  name: 'curfew'
  properties: { resource: { id: 'curfew' } }
}

resource container 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-04-15' = [
  for each in containers: {
    parent: database
    name: each.id
    properties: {
      resource: {
        id: each.id
        partitionKey: { paths: [each.partitionKey], kind: 'Hash', version: 2 }
        // -1: each document says for itself when it goes. Without it nothing goes, whatever it says: an event least of all.
        ...(each.?defaultTtl == null ? {} : { defaultTtl: each.?defaultTtl })
      }
    }
  }
]

output accountId string = account.id
output accountName string = account.name
output endpoint string = account.properties.documentEndpoint
output database string = database.name
