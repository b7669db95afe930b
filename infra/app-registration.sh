#!/bin/sh
# Curfew's registration in Entra ID: roles, scope, redirect, and in place of a secret the trust in the service's own identity. Everything is put
# as it should be, by a name of our own: running it again changes nothing. `--dry-run` prints the calls and makes none.
#
# Before provisioning it makes the registration, whose client id is a parameter; afterwards (azd has set CURFEW_SERVICE_PRINCIPAL_ID by then) it adds what
# hangs on the identity and the address. Who runs it may register applications, and for the last part give application roles of Microsoft Graph.
set -eu

name="curfew-${AZURE_ENV_NAME:?is the name of the environment}"
graph=https://graph.microsoft.com/v1.0
dry=
if [ "${1:-}" = --dry-run ]; then dry=yes; fi

# call METHOD URL BODY
call() {
  if [ -n "$dry" ]; then
    echo "$1 $2"
    echo "$3"
  else
    # With Prefer, PATCH by a name makes what isn't there (Graph’s upsert); other methods don't heed it.
    az rest --output none --method "$1" --url "$2" --headers Prefer=create-if-missing Content-Type=application/json --body "$3"
  fi
}

# ask URL QUERY PLACEHOLDER: what is asked of the directory; the placeholder where nothing is asked. It answers from copies that lag behind by seconds.
ask() {
  if [ -n "$dry" ]; then
    echo "$3"
    return
  fi
  for pause in 2 4 8 16; do
    answer=$(az rest --output tsv --method GET --url "$1" --query "$2" 2>/dev/null) || answer=
    if [ -n "$answer" ]; then
      echo "$answer"
      return
    fi
    sleep "$pause"
  done
  az rest --output tsv --method GET --url "$1" --query "$2"
}

# give ROLE-ID OF-RESOURCE TO-PRINCIPAL: unless it has it.
give() {
  if [ -z "$dry" ]; then
    held=$(az rest --output tsv --method GET --url "$graph/servicePrincipals/$2/appRoleAssignedTo?\$top=999" \
      --query "value[?principalId=='$3' && appRoleId=='$1'] | [0].id")
    if [ -n "$held" ]; then return; fi
  fi
  call POST "$graph/servicePrincipals/$2/appRoleAssignedTo" "{\"principalId\":\"$3\",\"resourceId\":\"$2\",\"appRoleId\":\"$1\"}"
}

application="$graph/applications(uniqueName='$name')"
call PATCH "$application" "$(cat "$(dirname "$0")/app-registration.json")"
client=$(ask "$application" appId '<client-id>')
call PATCH "$application" "{\"identifierUris\":[\"api://$client\"]}"
call PATCH "$graph/servicePrincipals(appId='$client')" "{\"appId\":\"$client\"}"
if [ -z "$dry" ]; then azd env set CURFEW_API_CLIENT_ID "$client"; fi

if [ -z "${CURFEW_SERVICE_PRINCIPAL_ID:-}" ]; then exit; fi

# A registration in another tenant than the service's would let nobody in.
tenant=${CURFEW_TENANT_ID:?is the tenant}
if [ -z "$dry" ] && [ "$(az account show --output tsv --query tenantId)" != "$tenant" ]; then
  echo "az is signed in to another tenant than $tenant: az login --tenant $tenant" >&2
  exit 1
fi

call PATCH "$application" "{\"web\":{\"redirectUris\":[\"${CURFEW_PUBLIC_URL:?is its address}/api/sign-in/callback\",\"$CURFEW_PUBLIC_URL/api/signed-out\"]}}"
object=$(ask "$application" id '<object-id>')
call PATCH "$graph/applications/$object/federatedIdentityCredentials(name='service')" \
  "{\"name\":\"service\",\"issuer\":\"https://login.microsoftonline.com/$tenant/v2.0\",\"subject\":\"$CURFEW_SERVICE_PRINCIPAL_ID\",\"audiences\":[\"api://AzureADTokenExchange\"]}"

# What the service reads in the directory: people, who is in a group, and applications that ask. It writes nothing there.
microsoftGraph="$graph/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')"
resource=$(ask "$microsoftGraph" id '<microsoft-graph>')
for role in User.Read.All GroupMember.Read.All Application.Read.All; do
  id=$(ask "$microsoftGraph" "appRoles[?value=='$role'] | [0].id" "<$role>")
  give "$id" "$resource" "$CURFEW_SERVICE_PRINCIPAL_ID"
done

# The first to ask is whoever deploys; all others are given their roles in the portal (Enterprise applications, Curfew, Users and groups).
curfew=$(ask "$graph/servicePrincipals(appId='$client')" id '<curfew>')
first=$(ask "$graph/me" id '<me>')
id=$(ask "$application" "appRoles[?value=='Access.Request'] | [0].id" '<Access.Request>')
give "$id" "$curfew" "$first"
