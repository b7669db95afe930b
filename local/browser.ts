import { samplePerson } from './people.ts';

/** A page that somebody looks at: the last answer, after all redirects. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A page's form as it would be sent: to where, and what its hidden fields hold. */
export interface Form {
  readonly action: URL;
  readonly fields: Readonly<Record<string, string>>;
}

/** As much of a browser as Curfew's pages need: cookies by origin, redirects, forms, the Origin header. */
export class Browser {
  /** By origin, then by name. */
  readonly cookies = new Map<string, Map<string, string>>();

  /** Opens an address and follows where it leads. */
  async open(address: string | URL, init: RequestInit = {}): Promise<Page> {
    let page = await this.send(address, init);
    for (let hops = 0; hops < 10; hops++) {
      const next = page.headers.get('location') ?? /url=(\S+)/.exec(page.headers.get('refresh') ?? '')?.[1];
      if (next === undefined || next === null) return page;
      page = await this.send(new URL(next, page.url));
    }
    throw new Error(`${address} leads round in circles.`);
  }

  /** One call, with this browser's cookies, and no step further. */
  async send(address: string | URL, init: RequestInit = {}): Promise<Page> {
    const url = new URL(address);
    const headers = new Headers(init.headers);
    const cookie = this.cookieFor(url);
    if (cookie !== '' && !headers.has('cookie')) headers.set('cookie', cookie);
    const signal = AbortSignal.timeout(10_000);
    const response = await fetch(url, { signal, ...init, headers, redirect: 'manual' });
    const kept = this.cookies.get(url.origin) ?? new Map<string, string>();
    this.cookies.set(url.origin, kept);
    for (const line of response.headers.getSetCookie()) keep(kept, line);
    return { url, status: response.status, headers: response.headers, text: await response.text() };
  }

  /** The Cookie header that it sends to an address. */
  cookieFor(address: string | URL): string {
    const kept = this.cookies.get(new URL(address).origin) ?? [];
    return [...kept].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Sends a form of the page with what was typed and pressed, as the page's own origin. */
  submit(page: Page, typed: Readonly<Record<string, string>>, headers: Record<string, string> = {}, which = 0) {
    const form = formsOf(page)[which];
    if (!form) throw new Error(`There is no form at ${page.url.origin}${page.url.pathname}.`);
    return this.open(form.action, {
      method: 'POST',
      headers: { origin: page.url.origin, ...headers },
      body: new URLSearchParams({ ...form.fields, ...typed }),
    });
  }

  /** Opens a page of Curfew's, and signs in on the way where it asks for that. `who` is the first part of a sample person's name. */
  async openAs(who: string, address: string | URL): Promise<Page> {
    const page = await this.open(address);
    return isSignIn(page) ? this.choose(who, page) : page;
  }

  /** Presses somebody's button on the stand-in's sign-in page. */
  choose(who: string, page: Page): Promise<Page> {
    return this.submit(page, { person: samplePerson(who).id });
  }
}

/** The token for forms of the browser's session, where the page was made for one. */
export function csrfIn(page: Page): string | undefined {
  return formsOf(page).find(({ fields }) => fields.csrf !== undefined)?.fields.csrf;
}

export function isSignIn({ text }: Page): boolean {
  return text.includes('name="person"');
}

/** The forms of a page, in order. */
export function formsOf({ url, text }: Page): Form[] {
  return [...text.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)].map(([, attributes = '', content = '']) => ({
    action: new URL(unescaped(/ action="([^"]*)"/.exec(attributes)?.[1] ?? ''), url),
    fields: Object.fromEntries(
      [...content.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(
        ([, name = '', value = '']) => [unescaped(name), unescaped(value)],
      ),
    ),
  }));
}

/** Lifetimes pass by; only the end of a cookie counts. */
function keep(cookies: Map<string, string>, line: string): void {
  const [, name = '', value = '', attributes = ''] = /^([^=]+)=([^;]*)(.*)$/.exec(line) ?? [];
  if (name.startsWith('__Host-') && !(/; secure/i.test(attributes) && /; path=\/(;|$)/i.test(attributes))) return;
  if (/; max-age=0(;|$)/i.test(attributes)) cookies.delete(name);
  else cookies.set(name, value);
}

function unescaped(text: string): string {
  const characters: Record<string, string> = { quot: '"', '#39': "'", lt: '<', gt: '>', amp: '&' };
  return text.replace(/&(quot|#39|lt|gt|amp);/g, (_, name: string) => characters[name] ?? '');
}
