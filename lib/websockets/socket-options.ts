/** How an adapter of ours takes handshakes. */
export interface OidcSocketOptions {
  /**
   * Accepts sockets without a session, too. `@Public()` and `@OptionalAuth()` handlers serve them, others refuse. Those with
   * a session are its sockets as ever: their origin is checked, and they are closed when it ends. @default false
   */
  readonly anonymous?: boolean | undefined;
}
