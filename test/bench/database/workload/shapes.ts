import { catalogueShapes } from './catalogue.ts'
import { ordersShapes } from './orders.ts'
import { peopleShapes } from './people.ts'
import type { Shape } from './shape.ts'

/** The query workload of the shop: written, with the answers, before the advisor was first run. */
export const shapes: readonly Shape[] = [...ordersShapes, ...catalogueShapes, ...peopleShapes]
