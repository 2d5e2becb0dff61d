import type { World } from './world.ts'

/** Offers a step: who does what, and how it changes a copy of the world. */
export type Emit = (actor: string, action: string, world: World, change: (next: World) => void, isFault: boolean) => void
