import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Api, type Ask, startApi } from './api-support.ts';
import {
  accessibilityOf,
  launch,
  missing,
  overhang,
  paleTexts,
  picture,
  smallTargets,
  startElsewhere,
  tabTo,
  type Visit,
  visit,
} from './support/chromium.ts';

describe.skipIf(missing !== undefined)(`in Chromium${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let api: Api;
  let browser: Browser;
  /** Bob's cookies, once he has signed in. */
  let bobs: BrowserContextOptions['storageState'];
  const visits: Visit[] = [];
  beforeAll(async () => {
    [api, browser] = await Promise.all([startApi(), launch()]);
    const { page } = await open((await asked()).link);
    await signIn(page, 'Bob Okafor');
    bobs = await page.context().storageState();
  });
  afterAll(async () => {
    await browser.close();
    await api.close();
  });

  // Whatever a test is about: no page breaks its own policy, loads from elsewhere, or tells the issuer its address.
  afterEach(async () => {
    const ended = visits.splice(0);
    for (const { complaints, sent, elsewhere } of ended) {
      expect(complaints).toEqual([]);
      for (const { url, headers, body } of await sent()) {
        expect([ownOrigin(), api.entra.url, ...elsewhere]).toContain(url.origin);
        if (url.origin !== ownOrigin()) expect(`${url} ${body} ${headers.referer}`).not.toContain('/approvals/');
      }
    }
    await Promise.all(ended.map(({ page }) => page.context().close()));
  });

  const ownOrigin = () => new URL(api.base).origin;
  const stateOf = async (id: string) => (await api.shown(id)).state;

  async function open(address: string, options?: BrowserContextOptions): Promise<Visit> {
    const made = await visit(browser, options);
    visits.push(made);
    await made.page.goto(address);
    return made;
  }
  /** A request of Ada's, and Bob's link to it. */
  async function asked(more?: Ask): Promise<{ id: string; link: string }> {
    const id = await api.asked('ada', more);
    return { id, link: await api.linkOf('bob', id) };
  }
  /** On the page of the link, as Bob, who has signed in before. */
  const arrive = (link: string, options?: BrowserContextOptions) => open(link, { storageState: bobs, ...options });
  async function signIn(page: Page, name: string): Promise<void> {
    await press(page, name);
    await page.waitForURL(/\/approvals\//);
  }
  const press = (page: Page, name: string) => page.getByRole('button', { name }).tap();
  const untilHeading = (page: Page, name: string | RegExp) =>
    page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
  const textOf = (page: Page) => page.locator('body').innerText();

  describe('an approver', () => {
    test('comes from the mail to the decision by keyboard alone, and sees where they are', async () => {
      const { id, link } = await asked();
      const { page } = await open(link);
      const people = await tabTo(page, 'Bob Okafor');
      expect(people.every(({ ring, isInView }) => ring > 0 && isInView)).toBe(true);
      expect(await overhang(page)).toBe(0);
      await page.keyboard.press('Enter');
      await untilHeading(page, 'Ada Lindqvist asks for reader on orders');

      expect([await overhang(page), await smallTargets(page)]).toEqual([0, []]);
      const passed = await tabTo(page, 'Approve');
      const fields = passed.map(({ name }) => name).filter((name) => !/^(Earlier requests|What the policy)/.test(name));
      expect(fields).toEqual(['Comment', 'For less time', 'Approve']);
      for (const { isInView, ring, ringContrast } of passed) {
        expect({ isInView, ring }).toEqual({ isInView: true, ring: 3 });
        expect(ringContrast).toBeGreaterThan(3);
      }
      await page.keyboard.press('Enter');
      await untilHeading(page, 'You approved it');
      expect([await overhang(page), await smallTargets(page)]).toEqual([0, []]);
      expect(await stateOf(id)).toBe('granted');
    });

    test('hears from the accessibility tree what is asked, and what each field is for', async () => {
      const { page } = await arrive((await asked()).link);
      const tree = await accessibilityOf(page);
      expect(tree).toEqual(
        expect.arrayContaining([
          'RootWebArea: Ada Lindqvist asks for reader on orders · Curfew',
          'heading: Ada Lindqvist asks for reader on orders',
          'heading: Your answer',
          'textbox: Comment (Optional. The requester and the other approvers read it.)',
          'textbox: For less time (Optional, such as 30m or 1h30m. At most 1h.)',
          'button: Approve',
          'button: Deny',
          'button: Sign out',
          'StaticText: Refund case 4711',
        ]),
      );
      expect(await page.getAttribute('html', 'lang')).toBe('en');
    });

    test('who has signed in needs two taps', async () => {
      const { id, link } = await asked();
      const { page } = await arrive(link);
      await press(page, 'Approve');
      await untilHeading(page, 'You approved it');
      expect(await stateOf(id)).toBe('granted');
    });

    test('denies with a comment, and a second look at the link shows what was decided and by whom', async () => {
      const { id, link } = await asked();
      const { page } = await arrive(link);
      await page.getByLabel('Comment').fill('Not this week.\nAsk Carla.');
      await press(page, 'Deny');
      await untilHeading(page, 'You denied it');
      expect(await api.shown(id)).toMatchObject({
        state: 'denied',
        decision: { comment: 'Not this week.\nAsk Carla.' },
      });

      await page.goto(link);
      await untilHeading(page, 'Ada Lindqvist asks for reader on orders');
      expect(await textOf(page)).toMatch(
        /Denied by Bob Okafor \(bob@contoso\.example\) on .*\s+Not this week\.\s+Ask Carla\./,
      );
      expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    });

    test('approves for less time with the Enter key in the field', async () => {
      const { id, link } = await asked();
      const { page } = await arrive(link);
      await page.getByLabel('For less time').fill('30m');
      await page.keyboard.press('Enter');
      await untilHeading(page, 'You approved it for 30m');
      expect(await api.shown(id)).toMatchObject({ state: 'granted', duration: 'PT30M' });
    });

    test('who reloads, goes back, or answers in another tab as well is told the one outcome', async () => {
      const { id, link } = await asked();
      const { page } = await arrive(link);
      const other = await page.context().newPage();
      await other.goto(link);
      await press(page, 'Approve');
      await untilHeading(page, 'You approved it');
      await page.reload();
      await untilHeading(page, 'You had approved it already');
      await page.goBack();
      await untilHeading(page, 'Ada Lindqvist asks for reader on orders');
      expect(await textOf(page)).toContain('Approved by Bob Okafor');
      expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);

      await press(other, 'Deny');
      await untilHeading(other, 'You had approved it already');
      expect(await textOf(other)).toContain('Your answer changed nothing.');
      expect(await stateOf(id)).toBe('granted');
    });

    test('decides without JavaScript', async () => {
      const { id, link } = await asked();
      const { page } = await open(link, { javaScriptEnabled: false });
      await signIn(page, 'Bob Okafor');
      await press(page, 'Deny');
      await untilHeading(page, 'You denied it');
      await page.goto(link);
      await press(page, 'Sign out');
      await page.waitForURL(/\/signed-out$/);
      expect(await stateOf(id)).toBe('denied');
    });
  });

  describe('somebody else', () => {
    test('is told so, decides nothing, can sign out, and the right person can sign in', async () => {
      const { id, link } = await asked();
      const { page } = await open(link);
      await signIn(page, 'Carla Reyes');
      const text = await textOf(page);
      expect(text).toContain('Signed in as Carla Reyes (carla@contoso.example)');
      expect(text).toContain('CURFEW_SIGNED_IN_AS_ANOTHER');
      expect(text).not.toContain('Refund case 4711');
      expect([await overhang(page), await smallTargets(page)]).toEqual([0, []]);
      await press(page, 'Sign out');
      await page.waitForURL(`${api.base}/signed-out`);
      await untilHeading(page, 'You have signed out');
      expect(await stateOf(id)).toBe('waiting-for-approval');

      await page.goto(link);
      await signIn(page, 'Bob Okafor');
      await press(page, 'Approve');
      await untilHeading(page, 'You approved it');
      expect(await stateOf(id)).toBe('granted');
    });

    test('who takes the phone after the sign-out finds nothing on the way back', async () => {
      const { link } = await asked();
      const { page } = await open(link);
      await signIn(page, 'Bob Okafor');
      expect(await textOf(page)).toContain('Refund case 4711');
      await press(page, 'Sign out');
      await page.waitForURL(/\/signed-out$/);
      // A page that was kept is there at once, and never loads.
      await page.goBack({ waitUntil: 'commit' });
      expect(await textOf(page)).not.toContain('Refund case 4711');
      expect(new URL(page.url()).origin).toBe(api.entra.url);
    });
  });

  describe('another site', () => {
    // Another port is another origin of the same site, and gets the cookie; another name is another site, and doesn't.
    test.each([
      ['localhost', 'CURFEW_ORIGIN_MISMATCH'],
      ['127.0.0.1', 'CURFEW_SIGN_IN_REQUIRED'],
    ])('at %s decides nothing by a form, even with the right token in it', async (host, code) => {
      const { id, link } = await asked();
      const { page, sent, elsewhere } = await arrive(link);
      const csrf = await page.locator('input[name=csrf]').first().getAttribute('value');
      const other = await startElsewhere(`<form method="post" action="${link}">
        <input name="csrf" value="${csrf}"><input name="decision" value="approve"></form>
        <script>document.forms[0].submit()</script>`);
      onTestFinished(other.close);
      elsewhere.push(`http://${host}:${other.port}`);
      await page.goto(`http://${host}:${other.port}`);
      await page.waitForURL(link);
      expect(await textOf(page)).toContain(code);
      expect(await stateOf(id)).toBe('waiting-for-approval');
      const forged = (await sent()).findLast(({ method }) => method === 'POST');
      expect([forged?.url.href, forged?.headers.origin]).toEqual([link, `http://${host}:${other.port}`]);
    });

    test('cannot show the page in a frame', async () => {
      const { link } = await asked();
      const { page, complaints, elsewhere } = await arrive(link);
      const other = await startElsewhere(`<iframe src="${link}"></iframe>`);
      onTestFinished(other.close);
      const answered = page.waitForResponse(link);
      elsewhere.push(`http://localhost:${other.port}`);
      await page.goto(`http://localhost:${other.port}`);
      expect((await answered).status()).toBe(200);
      const [, frame] = page.frames();
      expect(frame?.url()).toBe('chrome-error://chromewebdata/');
      expect(await frame?.content()).not.toContain('Refund case 4711');
      expect(complaints.splice(0).join()).toContain("frame-ancestors 'none'");
    });
  });

  test('every page can be read in the light, in the dark and in forced colours', async () => {
    const { link } = await asked();
    const { page } = await arrive(link);
    const expectReadable = async () => {
      for (const colorScheme of ['light', 'dark'] as const) {
        for (const forcedColors of ['none', 'active'] as const) {
          await page.emulateMedia({ colorScheme, forcedColors });
          expect({ colorScheme, forcedColors, pale: await paleTexts(page) }).toMatchObject({ pale: [] });
        }
      }
    };
    await expectReadable();
    await press(page, 'Deny');
    await untilHeading(page, 'You denied it');
    await expectReadable();
    await page.goto(`${api.base}/approvals/${'A'.repeat(43)}`);
    await expectReadable();
  });

  // README shows what this one sees.
  test('the story of a request and of a broken glass', async () => {
    const { id, link } = await asked({
      reason: 'Refund case 4711: the customer was charged twice, and I have to see which of the two payments arrived.',
    });
    const reader = await open('about:blank');
    await reader.page.setContent((await api.mailTo('bob', id)).html ?? '');
    expect(await overhang(reader.page)).toBe(0);
    await picture(reader.page, 'mail');

    const { page } = await arrive(link);
    await picture(page, 'approval');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture(page, 'approval-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByLabel('Comment').fill('Go ahead. Half an hour is enough to look it up.');
    await page.getByLabel('For less time').fill('30m');
    await press(page, 'Approve');
    await untilHeading(page, 'You approved it for 30m');
    expect(await api.shown(id)).toMatchObject({ state: 'granted', duration: 'PT30M' });
    await picture(page, 'outcome');

    const breaking = { target: 'orders', role: 'writer', duration: '30m', breakGlass: true };
    const reason = 'The night run wrote wrong prices; nobody else is awake.';
    const broken = await api.post('carla', '/requests', { ...breaking, reason });
    expect(broken.status).toBe(202);
    await api.untilState(broken.body.id, 'granted');
    await api.post('carla', `/requests/${broken.body.id}/revoke`);
    await page.goto(await api.linkOf('bob', broken.body.id));
    await untilHeading(page, 'Carla Reyes broke the glass for writer on orders');
    expect([await overhang(page), await smallTargets(page), await paleTexts(page)]).toEqual([0, [], []]);
    await picture(page, 'review');
    await page.getByLabel('Comment').fill('Checked against the night log: only prices were changed.');
    await press(page, 'I have reviewed it');
    await untilHeading(page, 'You reviewed it');
  });
});
