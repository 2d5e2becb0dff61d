import { togglePause } from '../live/live.ts'
import { copyText } from '../parts/buttons.tsx'
import { announce, closeLastToast, showToast } from '../parts/messages.tsx'
import { formatPlace } from '../route/place.ts'
import { go, hrefOf, param, place, setParams } from '../route/router.ts'
import { isHelpOpen } from '../shell/help-dialog.tsx'
import { isMenuOpen } from '../shell/navigation.tsx'
import { hasKeys } from '../state/preferences.ts'
import { type KeyCommand, KeyMap, type PressedKey } from './key-map.ts'

export function listenToKeys(): void {
  const map = new KeyMap()
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) return
    const { key, ctrlKey, metaKey, altKey } = event
    const command = map.read(
      { key, ctrlKey, metaKey, altKey, focus: focusOf(document.activeElement) },
      event.timeStamp,
    )
    if (command === undefined || (!hasKeys.value && command.kind !== 'close')) return
    // The dialog handles Esc itself, and keys do not control the page behind it.
    if (isHelpOpen.value) {
      if (command.kind === 'help') isHelpOpen.value = false
      return
    }
    if (run(command)) event.preventDefault()
  })
}

function focusOf(element: Element | null): PressedKey['focus'] {
  if (element === null) return 'none'
  if (
    element.matches(
      'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button])',
    )
  )
    return 'text'
  return element.matches('button, a, summary, input, [role=slider]') ? 'control' : 'none'
}

/** @returns Whether the key was used, so that the browser must not handle it. */
function run(command: KeyCommand): boolean {
  switch (command.kind) {
    case 'page':
      go(hrefOf(command.page))
      return true
    case 'help':
      isHelpOpen.value = true
      return true
    case 'filter': {
      const field = document.querySelector<HTMLInputElement>('[data-filter]')
      field?.focus()
      field?.select()
      return field !== null
    }
    case 'next':
      return step(1)
    case 'previous':
      return step(-1)
    case 'close':
      return close()
    case 'copy-fix':
      copyFix()
      return true
    case 'copy-link':
      copyText(new URL(formatPlace(place.value), location.href).href, 'link').then(
        (isDone) => isDone && showToast({ text: 'Link copied.' }),
      )
      return true
    case 'pause':
      togglePause()
      return true
  }
}

/** Moves the focus by one row, through all rows of the page that can be opened. */
function step(by: 1 | -1): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-step]')]
  if (rows.length === 0) return false
  const focused = document.activeElement
  const present = rows.findIndex(
    (row) => row === focused || row.closest('tr, li')?.contains(focused) === true,
  )
  const next =
    present === -1 ? (by === 1 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, present + by))
  rows[next]?.focus()
  rows[next]?.scrollIntoView({ block: 'nearest' })
  return true
}

function close(): boolean {
  const { activeElement } = document
  if (isMenuOpen.value) {
    isMenuOpen.value = false
    return true
  }
  if (activeElement instanceof HTMLElement && focusOf(activeElement) === 'text') {
    activeElement.blur()
    return true
  }
  if (closeLastToast()) return true
  const { page, id } = place.value
  for (const name of ['open', 'queue', 'row']) {
    if (place.value.params[name] !== undefined && param(name) !== '') {
      setParams({ [name]: undefined })
      return true
    }
  }
  if (page === 'requests' && id !== undefined) {
    go(hrefOf('requests'))
    return true
  }
  return false
}

/** Copies the fix of the focused or opened row, otherwise the first fix on the page. */
function copyFix(): void {
  const near = document.activeElement?.closest('tr, li, section')
  const within =
    near?.querySelector<HTMLElement>('[data-copy-fix]') ??
    near?.nextElementSibling?.querySelector<HTMLElement>('[data-copy-fix]')
  const button = within ?? document.querySelector<HTMLElement>('main [data-copy-fix]')
  if (button === null) announce('No fix to copy')
  else button.click()
}
