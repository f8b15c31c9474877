import { BASE_URL } from './provider-process.js';

const MAX_HOPS = 20;

/**
 * Logs in so many times as a browser does: opens this path of the application and follows where it leads, with the cookies
 * that it is given. Answers the application's cookies of each; the provider, if there is one, has done its work.
 */
export const logInAt =
  (path, { provider, times = 1 } = {}) =>
  async (origin) => {
    const cookies = [];
    while (cookies.length < times) cookies.push(await logIn(path, origin));
    provider?.stop();
    return { cookies };
  };

async function logIn(path, origin) {
  const jars = new Map();
  let url = new URL(path, origin);
  for (let hops = 0; url && hops < MAX_HOPS; hops += 1) url = await open(url, origin, jars);
  return cookieHeader(jars.get(origin));
}

async function open(url, origin, jars) {
  const jar = jars.get(url.origin) ?? new Map();
  jars.set(url.origin, jar);
  const response = await fetch(url, { headers: { cookie: cookieHeader(jar) }, redirect: 'manual' });
  keep(jar, response.headers);
  const location = response.headers.get('location');
  if (!location) return undefined;
  const next = new URL(location, url);
  return next.origin === BASE_URL ? new URL(next.pathname + next.search, origin) : next;
}

function keep(jar, headers) {
  for (const line of headers.getSetCookie()) {
    const [pair] = line.split(';', 1);
    const [name] = pair.split('=', 1);
    const value = pair.slice(name.length + 1);
    if (value === '' || /max-age=0\b|expires=thu, 01 jan 1970/iu.test(line)) jar.delete(name);
    else jar.set(name, value);
  }
}

const cookieHeader = (jar) => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');

/** The cookies that a response sets, as a request sends them back. */
export function cookieOf(headers) {
  const jar = new Map();
  keep(jar, headers);
  return cookieHeader(jar);
}
