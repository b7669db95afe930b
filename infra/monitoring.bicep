param name string
param location string
param tags object
param alertAddress string
output insightsName string = name
output l string = '${location}${alertAddress}${string(tags)}'
