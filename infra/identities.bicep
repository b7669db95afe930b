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

// Has no role in Azure at all. A server lets it in by its administrators' group, so that it can onboard databases (docs of infra/targets).
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
output sql string = sql.name
output deploy string = deploy.?properties.principalId ?? ''
output preview string = preview.?properties.principalId ?? ''
