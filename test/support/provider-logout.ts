import type { Browser, BrowserResponse } from './browser.js';

/** What a user does at a real provider: opens its logout page, and says yes. The answer redirects where it leads. */
export async function logOutAt(page: string, browser: Browser): Promise<BrowserResponse> {
  const { body } = await browser.open(page);
  const xsrf = /name="xsrf" value="([^"]+)"/u.exec(body)?.[1] ?? '';
  return browser.send(new URL('/session/end/confirm', page).href, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ xsrf, logout: 'yes' }).toString(),
  });
}
