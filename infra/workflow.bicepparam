// The workflows' way to the same parameters: azd asks and remembers, they read the repository's variables. Every one is here, since what were
// left out would be put back to its default.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param tenantId = readEnvironmentVariable('CURFEW_TENANT_ID')
param targetDatabaseId = readEnvironmentVariable('CURFEW_TARGET_DATABASE_ID')
param approver = readEnvironmentVariable('CURFEW_APPROVER')
param apiClientId = readEnvironmentVariable('CURFEW_API_CLIENT_ID')
param alertAddress = readEnvironmentVariable('CURFEW_ALERT_ADDRESS', '')
param storageRedundancy = readEnvironmentVariable('CURFEW_STORAGE_REDUNDANCY', 'Standard_ZRS')
param publicUrl = readEnvironmentVariable('CURFEW_CUSTOM_URL', '')
param privateNetwork = bool(readEnvironmentVariable('CURFEW_PRIVATE_NETWORK', 'false'))
param durableTaskScheduler = bool(readEnvironmentVariable('CURFEW_DURABLE_TASK_SCHEDULER', 'false'))
param smtpUrl = readEnvironmentVariable('CURFEW_SMTP_URL', '')
param mailFrom = readEnvironmentVariable('CURFEW_MAIL_FROM', '')
param webhookUrl = readEnvironmentVariable('CURFEW_WEBHOOK_URL', '')
param webhookSecret = readEnvironmentVariable('CURFEW_WEBHOOK_SECRET', '')
param teamsUrl = readEnvironmentVariable('CURFEW_TEAMS_URL', '')
param mailDataLocation = readEnvironmentVariable('CURFEW_MAIL_DATA_LOCATION', 'Europe')
param githubRepository = readEnvironmentVariable('GITHUB_REPOSITORY')
param byOwner = false
