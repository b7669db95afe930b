/** Carries a call out, or what a fault makes of it. `name` is the port and its method: `target.revoke`. */
export type Around = (name: string, run: () => Promise<unknown>) => Promise<unknown>;

const pure: readonly string[] = ['plan', 'batchKey', 'identityOf'];

/** The port, with every method that goes outside passing through `around`. */
export function watched<Port extends object>(name: string, port: Port, around: Around): Port {
  return new Proxy(port, {
    get(_, method) {
      const value: unknown = Reflect.get(port, method);
      if (typeof value !== 'function' || typeof method !== 'string' || pure.includes(method)) return value;
      return (...input: unknown[]) => around(`${name}.${method}`, () => Reflect.apply(value, port, input));
    },
  });
}
