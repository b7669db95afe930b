/** By itself, so that the other commands need not load what the service is made of. */
export const targetsUsage = `  curfew targets check [NAME…]
      Whether Curfew may do all that it needs on the policy's targets, or on those named, and the statements that grant what is
      missing. With the service's settings from the environment, as whoever is signed in there. Changes nothing.`;
