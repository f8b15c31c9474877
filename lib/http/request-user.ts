import { findSlotBehind, slotOf } from '../session/request-slot.js';

/**
 * `request.user`, for the prototype of an application's requests: the value is kept where the session is. A property of its
 * own for each request would cost more on Express than all else that the guard does (request-slot.ts says why).
 */
export const USER_OF_REQUEST: PropertyDescriptor = {
  configurable: true,
  get(this: object): unknown {
    return findSlotBehind(this)?.user;
  },
  set(this: object, user: unknown) {
    (findSlotBehind(this) ?? slotOf(this)).user = user;
  },
};
