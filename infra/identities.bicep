// Who acts, and nobody is two of them: the one that runs the service can't administer SQL, deploy, or give rights.
param name string
param location string
param tags object
param githubRepository string

var issuer = 'https://token.actions.githubusercontent.com'

resource service 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${name}-service'
  location: location
  tags: tags
}

// Has no role in Azure at all. A server lets it in by its administrators' group, so that it can onboard databases: infra/targets.
resource sql 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${name}-sql'
  location: location
  tags: tags

  resource fromGitHub 'federatedIdentityCredentials' = if (!empty(githubRepository)) {
    name: 'github'
    properties: {
      issuer: issuer
      subject: 'repo:${githubRepository}:environment:targets'
      audiences: ['api://AzureADTokenExchange']
    }
  }
}

resource deploy 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = if (!empty(githubRepository)) {
  name: '${name}-deploy'
  location: location
  tags: tags

  resource fromGitHub 'federatedIdentityCredentials' = {
    name: 'github'
    properties: {
      issuer: issuer
      subject: 'repo:${githubRepository}:environment:production'
      audiences: ['api://AzureADTokenExchange']
    }
  }
}

// Whoever opens a pull request can have this one do anything that it may. So it may only look.
resource preview 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = if (!empty(githubRepository)) {
  name: '${name}-preview'
  location: location
  tags: tags

  resource fromGitHub 'federatedIdentityCredentials' = {
    name: 'github'
    properties: {
      issuer: issuer
      subject: 'repo:${githubRepository}:pull_request'
      audiences: ['api://AzureADTokenExchange']
    }
  }
}

type identity = { name: string, principalId: string, clientId: string }

output service identity = {
  name: service.name
  principalId: service.properties.principalId
  clientId: service.properties.clientId
}
output sql identity = { name: sql.name, principalId: sql.properties.principalId, clientId: sql.properties.clientId }
@description('With empty ids where no workflow deploys.')
output deploy identity = {
  name: '${name}-deploy'
  principalId: deploy.?properties.principalId ?? ''
  clientId: deploy.?properties.clientId ?? ''
}
@description('With empty ids where no workflow deploys.')
output preview identity = {
  name: '${name}-preview'
  principalId: preview.?properties.principalId ?? ''
  clientId: preview.?properties.clientId ?? ''
}
