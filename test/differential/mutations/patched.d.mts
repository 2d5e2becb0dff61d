import type { Patch } from './mutation.ts'

export function patched(text: string, patches: readonly Patch[]): string
