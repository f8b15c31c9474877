/** How something that the application depends on does. Nothing here needs to be kept from whoever may ask. */
export type Health =
  | { readonly status: 'up' }
  /** `reason` is a stable code; `since`, when it was first noticed, where that is known. Epoch milliseconds. */
  | { readonly status: 'down'; readonly reason: string; readonly since?: number };
