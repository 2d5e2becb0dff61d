import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Icon } from './icon.tsx'

/** The text of the polite live region for screen readers. */
export const announced = signal('')

export function announce(text: string): void {
  // The same text again would not be announced.
  announced.value = announced.value === text ? `${text}\u00a0` : text
}

interface ToastOptions {
  readonly text: string
  readonly isError?: boolean
  /** Undoes the action. */
  readonly undo?: () => void
}

interface Toast extends ToastOptions {
  readonly id: number
}

const SHOWN_MS = 8_000
const MAX_TOASTS = 3

const toasts = signal<readonly Toast[]>([])
let lastId = 0

/** Shows a message for 8 seconds. Errors stay until they are closed. */
export function showToast(options: ToastOptions): void {
  lastId += 1
  toasts.value = [...toasts.value, { ...options, id: lastId }].slice(-MAX_TOASTS)
}

function closeToast(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

/** @returns Whether a message was open. */
export function closeLastToast(): boolean {
  const last = toasts.value.at(-1)
  if (last !== undefined) closeToast(last.id)
  return last !== undefined
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <ToastView key={toast.id} toast={toast} />
      ))}
    </div>
  )
}

function ToastView({ toast: { id, text, isError = false, undo } }: { toast: Toast }) {
  useEffect(() => {
    if (isError) return undefined
    const timer = setTimeout(() => closeToast(id), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [id, isError])
  return (
    <div class={isError ? 'toast toast-error' : 'toast'}>
      <Icon name={isError ? 'cross' : 'check'} />
      <span>{text}</span>
      {undo !== undefined && (
        <button
          type="button"
          class="button"
          onClick={() => {
            closeToast(id)
            undo()
          }}
        >
          Undo
        </button>
      )}
      <button
        type="button"
        class="button button-bare"
        aria-label="Close message"
        onClick={() => closeToast(id)}
      >
        <Icon name="close" />
      </button>
    </div>
  )
}
