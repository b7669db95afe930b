/** By itself, so that the other commands need not load what the service is made of. */
export const reconcileUsage = `  curfew reconcile --dry-run
      What the reconciler would find now, with the service's settings from the environment. Changes nothing.`;
