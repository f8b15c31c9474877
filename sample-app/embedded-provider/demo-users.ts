export interface DemoUser {
  readonly sub: string;
  readonly password: string;
  readonly name: string;
  readonly email: string;
}

/** Everybody may know these: they open nothing but this demonstration. */
export const DEMO_USERS: readonly DemoUser[] = [
  { sub: 'alice', password: 'alice-demo', name: 'Alice Liddell', email: 'alice@example.com' },
  { sub: 'bob', password: 'bob-demo', name: 'Bob Dodgson', email: 'bob@example.com' },
];
