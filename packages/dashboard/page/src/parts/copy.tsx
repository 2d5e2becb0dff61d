import { useEffect, useState } from 'preact/hooks'
import { Icon } from './icon.tsx'
import { announce, showToast } from './messages.tsx'

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

export interface CopyButtonProps {
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
