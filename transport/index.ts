export type {
  GossipMessage,
  PeerId,
  RequestHandler,
  RequestOptions,
  TopicHandler,
  Transport,
  TransportEvents,
  Unsubscribe,
  Verdict,
} from './port.ts'
