// Durable Task Scheduler: pushes work instead of having queues polled, so that timers are late by less. Consumption: 500 actions a second, paid by the action.
param name string
param location string
param tags object

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  // Who may come in is decided by Entra ID, since it takes no keys.
  properties: { sku: { name: 'Consumption' }, ipAllowlist: ['0.0.0.0/0'] }

  resource hub 'taskHubs' = {
    name: 'curfew'
  }
}

output name string = scheduler.name
output endpoint string = scheduler.properties.endpoint
