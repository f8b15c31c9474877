const NOTICE = /oidc-provider (?:WARNING|NOTICE):/u;

/**
 * Runs something without the notices in which `oidc-provider` asks for a database and the latest Node.js: rightly, of
 * those who run it in earnest, and to the confusion of everybody who only wants to see a demonstration.
 */
export async function withoutNotices<T>(action: () => Promise<T>): Promise<T> {
  const { warn, info } = console;
  const quiet =
    (write: typeof warn): typeof warn =>
    (...args) => {
      if (!NOTICE.test(String(args[0]))) write(...args);
    };
  Object.assign(console, { warn: quiet(warn), info: quiet(info) });
  try {
    return await action();
  } finally {
    Object.assign(console, { warn, info });
  }
}
