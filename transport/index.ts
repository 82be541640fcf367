// How bytes move between peers, as a type: the port that every transport implements.
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
