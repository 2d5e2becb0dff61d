import { useEffect, useState } from 'preact/hooks'
import { Icon } from './icon.tsx'
import { announce, showToast } from './messages.tsx'

/** @returns Whether it is on the clipboard now. */
export async function copyText(text: string, what: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    announce(`Copied ${what}`)
    return true
  } catch {
    // Plain HTTP on another host than localhost has no clipboard, and a person may refuse.
    showToast({ text: `The browser does not let this page copy ${what}. Select it and copy by hand.`, isError: true })
    return false
  }
}

export interface CopyButtonProps {
  readonly text: string
  /** What is copied, as in "Copy fix". */
  readonly what: string
  /** Marks what the key `c` copies. */
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
