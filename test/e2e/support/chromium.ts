import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const executablePath = process.env.CURFEW_TEST_CHROMIUM ?? '/usr/bin/chromium';

/** Why nothing can be tested in a browser here; undefined where it can. */
export const missing = existsSync(executablePath)
  ? undefined
  : `${executablePath} is missing: install Debian’s chromium, or name another in CURFEW_TEST_CHROMIUM`;

/** As people run it: with the memory of pages for the way back, which Playwright turns off. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu'],
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
}

const phone = {
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
  // The sign-in stand-in's certificate was made on this machine.
  ignoreHTTPSErrors: true,
};

/** A request as it left the browser. Names of headers are in lower case. */
export interface Sent {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Somebody's phone, and what it did without being seen. */
export interface Visit {
  readonly page: Page;
  /** Every request so far. */
  sent(): Promise<Sent[]>;
  /** Violations of the content security policy, and whatever else Chromium warned of. */
  readonly complaints: string[];
  /** Origins other than Curfew's and the issuer's that it is meant to come to. */
  readonly elsewhere: string[];
}

export async function visit(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ ...phone, ...options });
  context.setDefaultTimeout(10_000);
  const complaints: string[] = [];
  const sent: Promise<Sent>[] = [];
  await context.addInitScript(`document.addEventListener('securitypolicyviolation', (event) =>
    console.error('violated', event.effectiveDirective, event.blockedURI))`);
  context.on('console', (message) => {
    const isOfStatus = message.text().startsWith('Failed to load resource: the server responded with a status of');
    if (['error', 'warning'].includes(message.type()) && !isOfStatus) complaints.push(message.text());
  });
  context.on('request', (request) => {
    const [method, url, body] = [request.method(), new URL(request.url()), request.postData() ?? ''];
    sent.push(request.allHeaders().then((headers) => ({ method, url, headers, body })));
  });
  return { page: await context.newPage(), sent: () => Promise.all(sent), complaints, elsewhere: [] };
}

/** Chromium's own tree, without what it ignores: `button: Approve`, `textbox: Comment (what describes it)`. */
export async function accessibilityOf(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  return nodes
    .filter(({ ignored }) => !ignored)
    .map(({ role, name, description }) => {
      const described = description?.value ? ` (${description.value})` : '';
      return `${role?.value}: ${name?.value ?? ''}${described}`;
    });
}

export interface Focused {
  /** What it is called; the label of a field. */
  readonly name: string;
  /** Whether all of it is within the window. */
  readonly isInView: boolean;
  /** The ring around it, in pixels. */
  readonly ring: number;
  readonly ringContrast: number;
}

/** Presses Tab until something of that name has the focus, and gives all that had it on the way. */
export async function tabTo(page: Page, name: string): Promise<Focused[]> {
  const passed: Focused[] = [];
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press('Tab');
    const [element] = await look(page, 'document.activeElement ? [document.activeElement] : []');
    if (!element) continue;
    const { ring, ringColor, groundAround, isInView } = element;
    passed.push({ name: element.name, isInView, ring, ringContrast: contrast(ringColor, groundAround) });
    if (element.name.startsWith(name)) return passed;
  }
  throw new Error(`Tab never came to ${name}, but to ${passed.map((each) => each.name).join(', ')}.`);
}

/** The texts that stand out from their ground by less than `least` (WCAG 2.2, 1.4.3), and by how much. */
export async function paleTexts(page: Page, least = 4.5): Promise<string[]> {
  const elements = await look(page, '[...document.querySelectorAll("body *")].filter(holdsText)');
  return elements
    .map(({ name, color, ground }) => ({ name, ratio: contrast(color, ground) }))
    .filter(({ ratio }) => ratio < least)
    .map(({ name, ratio }) => `${name}: ${ratio.toFixed(2)}`);
}

/** What can be pressed or typed into, and is less than 44 pixels high or wide. */
export async function smallTargets(page: Page): Promise<string[]> {
  const targets = await look(page, '[...document.querySelectorAll("button, a, summary, textarea, input")]');
  return targets
    .filter(({ width, height }) => width > 0 && Math.min(width, height) < 44)
    .map(({ name, width, height }) => `${name}: ${width} × ${height}`);
}

/** How many pixels of the page lie beyond the right edge. */
export async function overhang(page: Page): Promise<number> {
  const width = await page.evaluate<number>('document.scrollingElement.scrollWidth');
  return Math.max(0, width - (page.viewportSize()?.width ?? 0));
}

interface Looks {
  /** What it says; of a field, its label. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly isInView: boolean;
  readonly color: string;
  readonly ground: string;
  readonly groundAround: string;
  readonly ring: number;
  readonly ringColor: string;
}

/** How the elements look that an expression of the page's own gives. */
function look(page: Page, elements: string): Promise<Looks[]> {
  return page.evaluate<Looks[]>(`(() => {
    const holdsText = (element) => element.checkVisibility() &&
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
    const groundOf = (element) => {
      for (let each = element; each; each = each.parentElement) {
        const { backgroundColor } = getComputedStyle(each);
        if (!backgroundColor.endsWith(', 0)') || !backgroundColor.startsWith('rgba')) return backgroundColor;
      }
      return matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(0, 0, 0)' : 'rgb(255, 255, 255)';
    };
    return (${elements}).map((element) => {
      const { color, outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
      const { top, bottom, left, right, width, height } = element.getBoundingClientRect();
      return {
        name: (element.labels?.[0] ?? element).textContent.trim(),
        width,
        height,
        isInView: top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth,
        color,
        ground: groundOf(element),
        groundAround: groundOf(element.parentElement),
        ring: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth),
        ringColor: outlineColor,
      };
    });
  })()`);
}

/** WCAG 2.2, of two opaque colours as `getComputedStyle` writes them. */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminanceOf(color: string): number {
  const channels = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(color);
  if (!channels) throw new Error(`${color} is no opaque colour.`);
  const [red = 0, green = 0, blue = 0] = channels.slice(1).map((channel) => {
    const value = Number(channel) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** A server that answers everything with one page: other sites are `localhost:port` and `127.0.0.1:port`. */
export async function startElsewhere(html: string): Promise<{ port: number; close(): void }> {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** Keeps the whole page in docs/images where CURFEW_SCREENSHOTS=1 asks for that: a test leaves the tree as it was. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env.CURFEW_SCREENSHOTS !== '1') return;
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', {
    format: 'webp',
    quality: 80,
    captureBeyondViewport: true,
  });
  mkdirSync('docs/images', { recursive: true });
  writeFileSync(`docs/images/${name}.webp`, Buffer.from(data, 'base64'));
}
