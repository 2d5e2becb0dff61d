import { computed, signal } from '@preact/signals'
import {
  allowedParams,
  formatPlace,
  type PageName,
  type PagePlace,
  pageRules,
  pages,
  paramOf,
  parsePlace,
} from './place.ts'

/** The current location. It is stored only in the URL, so that Back and reload work. */
export const place = signal<PagePlace>(parsePlace(location.hash, pageRules))

export const title = computed(() => pages.find(({ name }) => name === place.value.page)?.title ?? 'Sluice')

addEventListener('hashchange', () => {
  const next = parsePlace(location.hash, pageRules)
  const isOther = next.page !== place.value.page || next.id !== place.value.id
  place.value = next
  if (isOther) scrollTo(0, 0)
})

/** Returns the URL of a page. Invalid parameters are dropped. */
export function hrefOf(
  page: PageName,
  params: Readonly<Record<string, string | undefined>> = {},
  id?: string,
): string {
  const present = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  return formatPlace({ page, id, params: allowedParams(pageRules[page], present) })
}

export function go(href: string): void {
  location.hash = href
}

/** Returns a parameter of the current page. */
export function param(name: string): string {
  const { page, params } = place.value
  return paramOf(pageRules[page], params, name)
}

/** The sorting of the table of the current page, stored in its parameters. */
export const sorting = () => ({
  by: param('sort'),
  isUp: param('order') === 'up',
  onSort: (by: string, isUp: boolean) => setParams({ sort: by, order: isUp ? 'up' : 'down' }),
})

/**
 * Changes parameters of the current page; `undefined` removes one. Only opening an item adds a step to the
 * browser history, so that Back does not undo single letters of a filter.
 */
export function setParams(changes: Readonly<Record<string, string | undefined>>): void {
  const { page, id, params } = place.value
  const href = hrefOf(page, { ...params, ...changes }, id)
  if (href === formatPlace(place.value)) return
  if ('open' in changes && changes.open !== undefined) {
    go(href)
    return
  }
  history.replaceState(history.state, '', href)
  place.value = parsePlace(href, pageRules)
}
