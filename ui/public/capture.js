/* global AudioWorkletProcessor, registerProcessor */
// Runs where sound is processed: hands each block of what the microphone gives to the page, and nothing else.
registerProcessor(
  'capture',
  class extends AudioWorkletProcessor {
    process([input]) {
      const [channel] = input;
      if (channel) this.port.postMessage(channel.slice());
      return true;
    }
  },
);
