import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Icon } from '../parts/icon.tsx'
import { pages } from '../route/place.ts'
import { hasKeys } from '../state/preferences.ts'

export const isHelpOpen = signal(false)

const keys: readonly (readonly [string, string])[] = [
  ['j  k', 'next and previous row'],
  ['Enter', 'open'],
  ['Esc', 'close, or leave a field'],
  ['/', 'filter'],
  ['c', 'copy the fix'],
  ['y', 'copy a link to this view'],
  ['Space', 'pause or resume'],
  ['?', 'this help'],
]

export function HelpDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  const isOpen = isHelpOpen.value
  useEffect(() => {
    const element = dialog.current
    if (element === null) return
    if (isOpen && !element.open) element.showModal()
    if (!isOpen && element.open) element.close()
  }, [isOpen])
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="help-title"
      onClose={() => (isHelpOpen.value = false)}
    >
      {isOpen && (
        <>
          <div class="section-head">
            <h2 id="help-title">Keyboard shortcuts</h2>
            <button type="button" class="button button-bare" onClick={() => (isHelpOpen.value = false)}>
              <Icon name="close" />
              <span class="hidden-visually">Close</span>
            </button>
          </div>
          <label class="check">
            <input
              type="checkbox"
              checked={hasKeys.value}
              onChange={(event) => (hasKeys.value = event.currentTarget.checked)}
            />
            Enable single-key shortcuts
          </label>
          <div class={hasKeys.value ? 'keys' : 'keys keys-off'}>
            <dl>
              {pages.map(({ name, title, key }) => (
                <div key={name}>
                  <dt>
                    <kbd>g</kbd> <kbd>{key}</kbd>
                  </dt>
                  <dd>{title}</dd>
                </div>
              ))}
            </dl>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    {key.split('  ').map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </div>
          <p class="muted">
            Charts: arrow keys move between values, Home and End to the first and last value.
          </p>
        </>
      )}
    </dialog>
  )
}
