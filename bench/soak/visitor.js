/** Somebody with a browser. Anything but the expected answer is an error: it ends the measurement. */
export class Visitor {
  /** Through the provider and back, as a browser does. */
  static async logIn(provider, baseUrl) {
    const login = await expectStatus(302, fetch(`${baseUrl}/auth/login`, { redirect: 'manual' }));
    const callback = await provider.visit(login.headers.get('location'));
    const headers = { cookie: cookiesOf(login) };
    const back = await expectStatus(303, fetch(baseUrl + callback, { headers, redirect: 'manual' }));
    return new Visitor(baseUrl, cookiesOf(back));
  }

  constructor(baseUrl, cookie) {
    Object.assign(this, { baseUrl, cookie });
  }

  async look() {
    await expectStatus(200, fetch(`${this.baseUrl}/me`, { headers: { cookie: this.cookie } }));
  }

  async logOut() {
    const headers = { cookie: this.cookie, origin: this.baseUrl };
    await expectStatus(303, fetch(`${this.baseUrl}/auth/logout`, { method: 'POST', headers, redirect: 'manual' }));
  }
}

async function expectStatus(status, answer) {
  const response = await answer;
  await response.arrayBuffer();
  if (response.status !== status) throw new Error(`${response.url} answered ${response.status}, not ${status}.`);
  return response;
}

/** Those that are set, without those that are deleted. */
function cookiesOf(response) {
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .filter((pair) => !pair.endsWith('='))
    .join('; ');
}
