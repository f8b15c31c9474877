import { sanitize, type LoginOrigin } from '../common/events.js';
import type { Device } from '../session/session.js';

/** What events tell of the device of a login. */
export function loginOrigin({ address, agent }: Device = {}): LoginOrigin {
  return {
    ...(address === undefined ? {} : { address: sanitize(address) }),
    ...(agent === undefined ? {} : { agent: sanitize(agent) }),
  };
}
