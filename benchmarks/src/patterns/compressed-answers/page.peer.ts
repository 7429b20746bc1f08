import '../balancer-cache/page.peer.ts';
