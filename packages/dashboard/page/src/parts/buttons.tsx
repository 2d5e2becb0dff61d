import { useEffect, useState } from 'preact/hooks'
import { rights } from '../live/live.ts'
import { Icon, type IconName } from './icon.tsx'
import { announce, showToast } from './messages.tsx'

interface ActionButtonProps {
  readonly label: string
  readonly icon?: IconName
  /** Question for actions that cannot be undone: `Discard 12 dead letters?` */
  readonly confirm?: string
  /** Label for screen readers, if `label` alone does not name the target. */
  readonly describe?: string
  readonly isMain?: boolean
  readonly run: () => Promise<unknown>
}

/** Time until an unanswered question disappears. */
const QUESTION_MS = 6_000

/** A button that runs an action. It is not rendered for users without access. */
export function ActionButton({ label, icon, confirm, describe, isMain = false, run }: ActionButtonProps) {
  const [state, setState] = useState<'idle' | 'asked' | 'busy'>('idle')
  useEffect(() => {
    if (state !== 'asked') return undefined
    const timer = setTimeout(() => setState('idle'), QUESTION_MS)
    return () => clearTimeout(timer)
  }, [state])
  if (!rights.value.act) return null
  const press = async (event: Event) => {
    event.stopPropagation()
    if (state === 'busy') return
    if (confirm !== undefined && state === 'idle') {
      setState('asked')
      return
    }
    setState('busy')
    try {
      await run()
    } finally {
      setState('idle')
    }
  }
  const className = `button${isMain ? ' button-main' : ''}${state === 'asked' ? ' button-asked' : ''}`
  return (
    <button
      type="button"
      class={className}
      aria-busy={state === 'busy'}
      aria-label={state === 'asked' ? confirm : describe}
      onClick={press}
      onBlur={() => state === 'asked' && setState('idle')}
    >
      {icon !== undefined && <Icon name={icon} />}
      {state === 'asked' ? confirm : label}
    </button>
  )
}

/** @returns Whether the text was copied to the clipboard. */
export async function copyText(text: string, what: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    announce(`Copied ${what}`)
    return true
  } catch {
    // HTTP on a host other than localhost has no clipboard API, and a user can deny access.
    showToast({
      text: `Blocked by the browser. Copy the ${what} manually.`,
      isError: true,
    })
    return false
  }
}

interface CopyButtonProps {
  readonly text: string
  /** The copied object, as in "Copy fix". */
  readonly what: string
  /** Whether the key `c` copies it. */
  readonly isFix?: boolean
  readonly label?: string
}

export function CopyButton({ text, what, isFix = false, label = `Copy ${what}` }: CopyButtonProps) {
  const [isDone, setDone] = useState(false)
  useEffect(() => {
    if (!isDone) return undefined
    const timer = setTimeout(() => setDone(false), 2_000)
    return () => clearTimeout(timer)
  }, [isDone])
  return (
    <button
      type="button"
      class="button"
      data-copy-fix={isFix ? '' : undefined}
      onClick={async (event) => {
        event.stopPropagation()
        setDone(await copyText(text, what))
      }}
    >
      <Icon name={isDone ? 'check' : 'copy'} />
      {isDone ? 'Copied' : label}
    </button>
  )
}
