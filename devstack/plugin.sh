# plugin.sh - devstack calls it in each phase; the work is in lib/protector

source "$PROTECTOR_DIR/devstack/lib/protector"

if is_service_enabled protector-api protector-engine; then
    case "$1/${2:-}" in
        stack/install)
            echo_summary "Installing Protector"
            install_protector
            ;;
        stack/post-config)
            echo_summary "Configuring Protector"
            configure_protector
            create_protector_accounts
            ;;
        stack/extra)
            echo_summary "Starting Protector"
            init_protector
            start_protector
            ;;
        unstack/*)
            stop_protector
            ;;
        clean/*)
            cleanup_protector
            ;;
    esac
fi
