import helmet from 'helmet';

/** @param issuer of the provider: a form may lead there when somebody logs out. */
export function securityHeaders(issuer: string): ReturnType<typeof helmet> {
  return helmet({
    contentSecurityPolicy: {
      directives: {
        formAction: ["'self'", new URL(issuer).origin],
      },
    },
    referrerPolicy: { policy: 'same-origin' },
  });
}
