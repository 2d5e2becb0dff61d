import type { AlertsPage } from '../../protocol/alerts.ts'
import { grouped } from './sums.ts'

const MAX_ENTRIES = 300
const MAX_ACTIVE = 150
const HEALTH = ['unhealthy', 'degraded', 'healthy'] as const
const SEVERITY = { critical: 0, warning: 1, info: 2 } as const

/** Alerts and decisions are each process's own: they stand beside one another. */
export function mergeAlerts(pages: readonly [AlertsPage, ...AlertsPage[]]): AlertsPage {
  const timeline = pages.flatMap((page) => page.timeline)
  const active = pages.flatMap((page) => page.active)
  const costs = pages.flatMap(({ cost }) => (cost === null ? [] : [cost]))
  return {
    health: HEALTH.find((health) => pages.some((page) => page.health === health)) ?? 'healthy',
    active: active.sort((a, b) => SEVERITY[a.severity] - SEVERITY[b.severity] || b.raisedAt - a.raisedAt).slice(0, MAX_ACTIVE),
    timeline: timeline.sort((a, b) => b.at - a.at).slice(0, MAX_ENTRIES),
    policies: [
      ...grouped(
        pages.flatMap(({ policies }) => policies),
        (policy) => JSON.stringify(policy),
      ).values(),
    ].map(([first]) => first),
    recommendations: [...new Set(pages.flatMap(({ recommendations }) => recommendations))],
    // One process scales for all: the others count the same workers.
    cost: costs.reduce<AlertsPage['cost']>((most, cost) => (most === null || cost.hours > most.hours ? cost : most), null),
  }
}
