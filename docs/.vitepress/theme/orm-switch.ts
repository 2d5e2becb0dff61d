import { defineComponent, h, onMounted, ref, type VNode } from 'vue'
import { ORMS, selectStoredTabs } from './tabs.ts'

/** A code group without code above the sidebar: its tabs select those of all groups on the page. */
export const OrmSwitch = defineComponent(() => {
  const isMounted = ref(false)
  onMounted(() => {
    isMounted.value = true
  })
  const tab = (orm: string, at: number): VNode[] => {
    const id = `orm-switch-${at}`
    return [
      h('input', { type: 'radio', name: 'orm-switch', id, checked: at === 0 }),
      h('label', { for: id }, orm),
    ]
  }
  // Only in the browser: it would be in each of many hundred pages.
  return () =>
    isMounted.value
      ? h('div', { class: 'vp-code-group orm-switch', onVnodeMounted: selectStoredTabs }, [
          h(
            'div',
            { class: 'tabs', role: 'radiogroup', 'aria-label': 'Code of the guides' },
            ORMS.flatMap(tab),
          ),
        ])
      : undefined
})
