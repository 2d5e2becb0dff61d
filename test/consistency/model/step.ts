import type { World } from './world.ts'

/** Offers a step: its actor, its action, and how it changes a copy of the world. */
export type Emit = (
  actor: string,
  action: string,
  world: World,
  change: (next: World) => void,
  isFault: boolean,
) => void
