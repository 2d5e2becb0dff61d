import { signal } from '@preact/signals'
import type { Badges } from '../../../src/protocol/index.ts'
import { bytes, count } from '../format.ts'
import { badges, live, rights } from '../live/live.ts'
import { Icon } from '../parts/icon.tsx'
import { type PageName, pages } from '../route/place.ts'
import { hrefOf, place } from '../route/router.ts'
import { hasKeys } from '../state/preferences.ts'

/** Whether the menu is open in narrow windows. */
export const isMenuOpen = signal(false)

const badgeOf: Readonly<Partial<Record<PageName, { readonly of: keyof Badges; readonly word: string }>>> = {
  findings: { of: 'findings', word: 'findings' },
  nodes: { of: 'nodes', word: 'unhealthy nodes' },
  jobs: { of: 'deadLetters', word: 'dead letters' },
  alerts: { of: 'alerts', word: 'open alerts' },
}

export function Navigation() {
  const { page } = place.value
  return (
    <nav class={isMenuOpen.value ? 'nav nav-open' : 'nav'} id="nav" aria-label="Pages">
      <ul>
        {pages.map(({ name, title, key }) => (
          <li key={name}>
            <a
              href={hrefOf(name)}
              aria-current={page === name ? 'page' : undefined}
              onClick={() => (isMenuOpen.value = false)}
            >
              <span>{title}</span>
              <Badge page={name} />
              {hasKeys.value && (
                <span class="key nav-key" aria-hidden="true">
                  {`g ${key}`}
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
      <Foot />
    </nav>
  )
}

function Badge({ page }: { page: PageName }) {
  const badge = badgeOf[page]
  const value = badge === undefined ? 0 : (badges.value?.[badge.of] ?? 0)
  if (badge === undefined || value === 0) return null
  return (
    <span class="badge">
      {count(value)}
      <span class="hidden-visually">{` ${badge.word}`}</span>
    </span>
  )
}

/** Memory used by the dashboard, and the rights of the user. */
function Foot() {
  const state = live.value
  if (state === undefined) return null
  const { ring } = state
  const { act, reason } = rights.value
  return (
    <div class="nav-foot">
      {!act && (
        <p class="state">
          <Icon name="lock" />
          <span>{`Read only${reason === null ? '' : `: ${reason}`}`}</span>
        </p>
      )}
      <p title="Memory used by the request history, and its limit">
        {`${count(ring.requests)} requests stored`}
        <br />
        {`${bytes(ring.bytes)} of ${bytes(ring.maxBytes)}`}
      </p>
    </div>
  )
}
