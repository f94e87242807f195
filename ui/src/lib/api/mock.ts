export { MockBackend, type MockOptions } from './mock/backend';
export { mockScene } from './mock/scenes';
