// The store and the task hub by private addresses, and the names by which the app finds them there.
param name string
param location string
param tags object
param networkId string
param subnetId string
param storeId string
param storageId string

var places = [
  { part: 'Sql', of: storeId, zone: 'privatelink.documents.azure.com' }
  { part: 'blob', of: storageId, zone: 'privatelink.blob.${environment().suffixes.storage}' }
  { part: 'queue', of: storageId, zone: 'privatelink.queue.${environment().suffixes.storage}' }
  { part: 'table', of: storageId, zone: 'privatelink.table.${environment().suffixes.storage}' }
]

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for place in places: {
    name: place.zone
    location: 'global'
    tags: tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (place, index) in places: {
    parent: zone[index]
    name: '${name}-${toLower(place.part)}'
    location: 'global'
    tags: tags
    properties: { virtualNetwork: { id: networkId }, registrationEnabled: false }
  }
]

resource endpoint 'Microsoft.Network/privateEndpoints@2025-09-01' = [
  for place in places: {
    name: '${name}-${toLower(place.part)}'
    location: location
    tags: tags
    properties: {
      subnet: { id: subnetId }
      privateLinkServiceConnections: [
        { name: place.part, properties: { privateLinkServiceId: place.of, groupIds: [place.part] } }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-09-01' = [
  for (place, index) in places: {
    parent: endpoint[index]
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: 'zone', properties: { privateDnsZoneId: zone[index].id } }] }
  }
]
