import { Reflector } from '@nestjs/core';

/**
 * Who may use a route:
 * - `public`: everybody, with the same answer for all. Its session is looked up only for who has just changed the catalog.
 * - `anyone`: a session is used if there is one; without the session store the route works as for a stranger.
 * - `visitor`: as `anyone`, but the route is about the session, so without the store it answers 503.
 * - `account`: whoever has logged in.
 * - `admin`: an account of that role.
 */
export type Audience = 'public' | 'anyone' | 'visitor' | 'account' | 'admin';

/** Opens a route, or all of a controller. A route that says nothing is for `account`: forgetting this closes a door. */
export const AllowedTo = Reflector.createDecorator<Audience>();
