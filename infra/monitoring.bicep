// Where telemetry goes, and what wakes somebody. Every alert names its heading in docs/runbook.md, which a test holds it to.
param name string
param location string
param tags object
param alertAddress string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 90
    features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: name
  location: location
  tags: tags
  kind: 'web'
  // Keys are off: the service's identity sends, and people read with their own.
  properties: { Application_Type: 'web', WorkspaceResourceId: workspace.id, DisableLocalAuth: true }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'curfew'
    enabled: true
    emailReceivers: [{ name: 'alerts', emailAddress: alertAddress, useCommonAlertSchema: true }]
  }
}

type alert = {
  name: string
  title: string
  @description('0 is the worst, 4 the least.')
  severity: int
  @description('Gives a row where something is wrong, and none where nothing is.')
  query: string
  @description('How far back the query looks, and how often.')
  window: string
  every: string
  runbook: string
}

// Counters and histograms come as sums, counts, least and greatest of a minute; the buckets of a histogram don't come along.
var alerts alert[] = [
  {
    name: 'overdue'
    title: 'Curfew: an access stands past its deadline'
    severity: 0
    query: 'customMetrics | where name == "curfew.revocations.overdue" | summarize overdue = max(value) | where overdue > 0'
    window: 'PT5M'
    every: 'PT1M'
    runbook: 'docs/runbook.md#an-access-is-overdue'
  }
  {
    name: 'lateness'
    title: 'Curfew: revocations are late'
    severity: 1
    // Each is counted as the latest of its minute: never less than the true 99th percentile.
    query: 'customMetrics | where name == "curfew.revocation.lateness" | summarize p99 = percentilew(valueMax, tolong(valueCount), 99) | where p99 > 1'
    window: 'PT15M'
    every: 'PT5M'
    runbook: 'docs/runbook.md#revocations-are-late'
  }
  {
    name: 'reconciler'
    title: 'Curfew: the reconciler is silent'
    severity: 1
    // No figure at all counts too: one instance is always there to send it.
    query: 'customMetrics | where name == "curfew.reconciler.age" | summarize samples = count(), (at, age) = arg_max(timestamp, value) | where samples == 0 or age > 300'
    window: 'PT10M'
    every: 'PT5M'
    runbook: 'docs/runbook.md#the-reconciler-is-silent'
  }
  {
    name: 'hub'
    title: 'Curfew: the task hub is behind'
    severity: 1
    // The work of a process that died is begun again after a minute, which is as it should be.
    query: 'customMetrics | where name == "curfew.hub.delay" | summarize delay = max(valueMax) | where delay > 120'
    window: 'PT5M'
    every: 'PT5M'
    runbook: 'docs/runbook.md#the-task-hub-is-behind'
  }
  {
    name: 'stalled'
    title: 'Curfew: a request does not go on'
    severity: 1
    query: 'customMetrics | where name == "curfew.requests.stalled" | summarize stalled = max(value) | where stalled > 300'
    window: 'PT5M'
    every: 'PT5M'
    runbook: 'docs/runbook.md#a-request-does-not-go-on'
  }
  {
    name: 'drift'
    title: 'Curfew: somebody holds what Curfew never granted'
    severity: 2
    query: 'customMetrics | where name == "curfew.drift" | summarize found = sum(valueSum) | where found > 0'
    window: 'PT5M'
    every: 'PT5M'
    runbook: 'docs/runbook.md#drift-was-found'
  }
  {
    name: 'store'
    title: 'Curfew: the event store is failing'
    severity: 1
    // One failure is tried again and forgotten.
    query: 'customMetrics | where name == "curfew.store.failures" | summarize failures = sum(valueSum) | where failures > 5'
    window: 'PT5M'
    every: 'PT5M'
    runbook: 'docs/runbook.md#the-event-store-is-failing'
  }
  {
    name: 'break-glass'
    title: 'Curfew: the glass was broken'
    severity: 2
    query: 'customMetrics | where name == "curfew.break_glass" | summarize times = sum(valueSum) | where times > 0'
    window: 'PT5M'
    every: 'PT5M'
    runbook: 'docs/runbook.md#the-glass-was-broken'
  }
  {
    name: 'mail'
    title: 'Curfew: mail is failing'
    severity: 2
    query: 'customMetrics | where name == "curfew.mail.failures" | summarize failures = sum(valueSum) | where failures > 3'
    window: 'PT15M'
    every: 'PT5M'
    runbook: 'docs/runbook.md#mail-is-failing'
  }
  {
    name: 'webhook'
    title: 'Curfew: a receiver of events takes none'
    severity: 2
    // While one is away it is tried every two minutes.
    query: 'customMetrics | where name == "curfew.webhook.failures" | summarize failures = sum(valueSum) by receiver = tostring(customDimensions.sink) | where failures > 3'
    window: 'PT15M'
    every: 'PT5M'
    runbook: 'docs/runbook.md#a-receiver-of-events-takes-none'
  }
]

resource rule 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for each in alerts: {
    name: '${name}-${each.name}'
    location: location
    tags: tags
    properties: {
      displayName: each.title
      description: 'What it means and what to do: ${each.runbook}'
      severity: each.severity
      enabled: true
      scopes: [insights.id]
      evaluationFrequency: each.every
      windowSize: each.window
      criteria: {
        allOf: [{ query: each.query, timeAggregation: 'Count', operator: 'GreaterThan', threshold: 0 }]
      }
      autoMitigate: true
      actions: { actionGroups: [people.id], customProperties: { runbook: each.runbook } }
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Curfew'
    category: 'workbook'
    sourceId: insights.id
    serializedData: loadTextContent('workbook.json')
  }
}

output insightsName string = insights.name
