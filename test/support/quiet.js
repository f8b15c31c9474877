/**
 * Keeps notices out of the test output that say nothing about the library: oidc-provider's advice for production use of
 * the provider that tests start. Only these, word for word; every other line is printed.
 */
const KNOWN_NOTICES = [
  'oidc-provider WARNING: a quick start development-only in-memory adapter is used',
  'oidc-provider WARNING: quick start development-only signing keys are used',
  'oidc-provider WARNING: Unsupported runtime.',
  'oidc-provider WARNING: failed to setup SSRF protection for fetch',
  'oidc-provider NOTICE: default ',
  'oidc-provider WARNING: default ',
];

for (const level of ['info', 'warn']) {
  const print = console[level];
  console[level] = (...args) => {
    if (!KNOWN_NOTICES.some((notice) => String(args[0]).includes(notice))) print.apply(console, args);
  };
}
