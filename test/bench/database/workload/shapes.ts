import { catalogueShapes } from './catalogue.ts'
import { ordersShapes } from './orders.ts'
import { peopleShapes } from './people.ts'
import type { Shape } from './shape.ts'

/** What the shop asks its database: written down, with the answers, before the advisor was asked once. */
export const shapes: readonly Shape[] = [...ordersShapes, ...catalogueShapes, ...peopleShapes]
