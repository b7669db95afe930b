import { app } from '@azure/functions';

/** What ran, in order, for the test to read over HTTP. */
const trace: string[] = [];

app.hook.appStart((context) => {
  trace.push('start');
  context.hookData.from = 'start';
});

app.hook.preInvocation((context) => {
  if (context.invocationContext.functionName !== 'tick') return;
  context.inputs = ['replaced'];
  context.hookData.before = 'seen';
});

app.hook.postInvocation((context) => {
  if (context.invocationContext.functionName === 'tick') trace.push(`after ${String(context.hookData.before)}`);
});

app.timer('tick', {
  schedule: '0 */5 * * * *',
  handler: (timer) => {
    trace.push(`tick ${String(timer)}`);
  },
});

app.http('trace', { handler: () => ({ jsonBody: trace }) });
